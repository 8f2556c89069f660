import js from '@eslint/js'
import svelte from 'eslint-plugin-svelte'
import globals from 'globals'
import ts from 'typescript-eslint'
import svelteConfig from './svelte.config.js'

const tauriOnlyInBackend = {
  patterns: [
    { group: ['@tauri-apps', '@tauri-apps/*'], message: 'Only src/lib/backend talks to Tauri.' },
  ],
}

export default ts.config(
  { ignores: ['dist', 'dist-fake', 'src/lib/generated', 'src/lib/paraglide', 'project.inlang'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    // The TypeScript compiler resolves names; no-undef does not know types.
    rules: {
      'no-undef': 'off',
      // Plain sets and maps here are bookkeeping that nothing on the screen depends on.
      'svelte/prefer-svelte-reactivity': 'off',
      'svelte/no-at-html-tags': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-imports': ['error', tauriOnlyInBackend],
    },
  },
  { files: ['src/lib/backend/**'], rules: { 'no-restricted-imports': 'off' } },
)
