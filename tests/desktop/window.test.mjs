// What the window must not do: reach the network by itself, go elsewhere, do what it has no
// permission for, keep anything on the disk, or stay blank when Sotto cannot start.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import { once } from 'node:events'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { binary, inRoot } from '../../scripts/paths.mjs'
import { startProgram, stopPrograms } from '../../scripts/programs.mjs'
import { Sotto } from '../ui/sotto.mjs'
import { until } from '../ui/until.mjs'
import { startPersonalSession, startScreen } from './desktop.mjs'
import { WebDriver } from './webdriver.mjs'

const folder = inRoot('artifacts/desktop', `run-window-${process.pid}`)
const asked = [] // what has reached the outside world
let screen, driver, outside, env

before(async () => {
  fs.mkdirSync(folder, { recursive: true })
  screen = await startScreen(folder)
  // The outside world: a server that lets every page in, as an attacker's would.
  outside = http.createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end('<h1>elsewhere</h1>')
  })
  outside.listen(0, '127.0.0.1')
  await once(outside, 'listening')
  outside.url = `http://127.0.0.1:${outside.address().port}`
  env = await person('driven')
  driver = await WebDriver.open({ name: 'driven', env, log: path.join(folder, 'driven.log') })
  await new Sotto(driver).appears('sign-in-handle')
})

after(async () => {
  outside?.close()
  await stopPrograms()
  fs.rmSync(folder, { recursive: true, force: true })
})

async function person(name) {
  const home = path.join(folder, name)
  fs.mkdirSync(home)
  return {
    ...screen.env,
    ...(await startPersonalSession({ folder: home, keyring: false })),
    SOTTO_DATA_DIR: path.join(home, 'sotto'),
    SOTTO_WINDOW_TITLE: `Sotto ${name}`,
    SOTTO_DEV: '1',
    // Nothing is signed in here, so nothing asks for these.
    SOTTO_DEV_PLC_URL: outside.url,
    SOTTO_DEV_HANDLE_RESOLVER: outside.url,
    SOTTO_DEV_APPVIEW: outside.url,
    SOTTO_VAULT_PASSPHRASE: 'correct horse battery',
  }
}

function startWindow(name, env) {
  const log = path.join(folder, `${name}.log`)
  return startProgram({ name, command: binary('sotto-desktop'), env, log })
}

const directives = (policy) =>
  Object.fromEntries(
    policy
      .split(';')
      .map((directive) => directive.trim().split(/\s+/))
      .map(([name, ...sources]) => [name, [...new Set(sources)].sort().join(' ')]),
  )

test('the policy in force is the strict one', async () => {
  const policy = await driver.readAsync((url) => {
    const refused = new Promise((done) =>
      document.addEventListener('securitypolicyviolation', (event) => done(event.originalPolicy), {
        once: true,
      }),
    )
    fetch(url).catch(() => {})
    return refused
  }, outside.url)
  const found = directives(policy)
  // Tauri adds the hashes of its own scripts, which are part of the program.
  const scripts = found['script-src'].split(' ')
  assert.deepEqual(
    scripts.filter((source) => !source.startsWith("'sha256-")),
    ["'self'"],
  )
  assert.deepEqual(
    { ...found, 'script-src': '' },
    {
      'default-src': "'none'",
      'script-src': '',
      'style-src': "'self' 'unsafe-inline'",
      'img-src': "'self' data:",
      'font-src': "'self'",
      'connect-src': 'http://ipc.localhost ipc:',
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    },
  )
})

test('the web view reaches no other origin', async () => {
  const ways = {
    fetch: (url) => fetch(url, { mode: 'no-cors' }).catch(() => {}),
    beacon: (url) => navigator.sendBeacon(url),
    socket: (url) => new WebSocket(url.replace('http', 'ws')),
    events: (url) => new EventSource(url),
    image: (url) => (new Image().src = url),
    script: (url) => append('script', { src: url }),
    style: (url) => append('link', { rel: 'stylesheet', href: url }),
    prefetch: (url) => append('link', { rel: 'prefetch', href: url }),
    preload: (url) => append('link', { rel: 'preload', as: 'image', href: url }),
    frame: (url) => append('iframe', { src: url }),
    object: (url) => append('object', { data: url }),
    video: (url) => append('video', { src: url, autoplay: true }),
    background: (url) => (document.body.style.backgroundImage = `url(${url})`),
    font: (url) => new FontFace('elsewhere', `url(${url})`).load().catch(() => {}),
    worker: (url) => new Worker(url),
  }
  function append(name, properties) {
    document.head.append(Object.assign(document.createElement(name), properties))
  }
  for (const [name, way] of Object.entries(ways)) {
    const script = `(url) => { ${append}; try { (${way})(url) } catch {} }`
    await driver.read(script, `${outside.url}/${name}`)
  }
  await sleep(1500)
  assert.deepEqual(asked, [])
})

test('the web view goes nowhere', async () => {
  const ways = {
    location: (url) => (location.href = url),
    window: (url) => window.open(url),
    data: () => (location.href = 'data:text/html,elsewhere'),
    link: (url) => Object.assign(document.createElement('a'), { href: url }).click(),
    blank: (url) =>
      Object.assign(document.createElement('a'), { href: url, target: '_blank' }).click(),
    form: (url) => {
      const form = Object.assign(document.createElement('form'), { action: url, method: 'post' })
      document.body.append(form)
      form.submit()
    },
    refresh: (url) => {
      const content = `0;url=${url}`
      document.head.append(
        Object.assign(document.createElement('meta'), { httpEquiv: 'refresh', content }),
      )
    },
  }
  for (const [name, way] of Object.entries(ways)) {
    await driver.read(way, `${outside.url}/${name}`)
    await sleep(300)
    assert.equal(await driver.read(() => location.href), 'tauri://localhost', name)
  }
  assert.equal((await driver.windows()).length, 1)
  assert.deepEqual(asked, [])
})

test('the web view has the permissions of the commands and no other', async () => {
  const refusal = (command, args) =>
    driver.readAsync(
      (name, given) =>
        window.__TAURI_INTERNALS__.invoke(name, given).then(
          () => 'allowed',
          (error) => String(error),
        ),
      command,
      args,
    )
  assert.equal(await refusal('state', {}), 'allowed')
  for (const [command, args] of [
    ['plugin:event|emit', { event: 'app-event', payload: {} }],
    ['plugin:window|close', { label: 'main' }],
    ['plugin:webview|create_webview_window', { options: { label: 'x', url: outside.url } }],
    ['plugin:app|version', {}],
    ['plugin:path|resolve_directory', { directory: 1 }],
  ]) {
    assert.match(await refusal(command, args), /not allowed/, command)
  }
})

test('a window that nobody drives shows itself and keeps nothing on the disk', async () => {
  const own = await person('plain')
  const window = startWindow('plain', { ...own, SOTTO_WINDOW_TITLE: 'Sotto plain' })
  const shown = await picture(own, 'Sotto plain')
  await until('something to see in it', async () => Number(await shown('%k')) > 50)
  await sleep(1000)
  await window.stop()
  // Sotto's own folder is the core's affair; elsewhere WebKit makes its stores, and they are empty.
  const places = [own.XDG_DATA_HOME, own.XDG_CACHE_HOME, own.XDG_CONFIG_HOME]
  const kept = places.flatMap((place) => filesBelow(place)).map((file) => path.basename(file))
  const stores = ['salt', 'hsts-storage.sqlite']
  assert.deepEqual(
    kept.filter((name) => !stores.includes(name)),
    [],
  )
})

function filesBelow(folder) {
  return fs
    .readdirSync(folder, { recursive: true })
    .map((name) => path.join(folder, name))
    .filter((file) => fs.statSync(file).isFile())
}

// Resolves, once the window is there, to a way of asking ImageMagick about its picture.
async function picture(own, title) {
  const options = { env: { ...process.env, ...own }, encoding: 'utf8' }
  const search = ['search', '--onlyvisible', '--name', `^${title}$`]
  const id = await until(`a window called ${title}`, () =>
    execFileSync('xdotool', search, { ...options, stdio: 'pipe' }).trim(),
  )
  const shot = path.join(folder, `${title}.png`)
  return (format) => {
    execFileSync('import', ['-window', id, shot], options)
    return execFileSync('identify', ['-format', format, shot], options)
  }
}

test('a second Sotto on the same folder says so and ends', async () => {
  const second = startWindow('second', { ...env, SOTTO_WINDOW_TITLE: 'Sotto second' })
  // The dialog is a process of its own, and outlives the failure.
  const options = { env: { ...process.env, ...env }, encoding: 'utf8', stdio: 'pipe' }
  const search = ['search', '--onlyvisible', '--name', '^Sotto$']
  await until('the dialog', () => execFileSync('xdotool', search, options).trim())
  const shot = inRoot('artifacts/desktop/second-start.png')
  execFileSync('import', ['-window', 'root', shot], options)
  const { code } = await second.exited
  assert.equal(code, 1)
  assert.match(fs.readFileSync(second.log, 'utf8'), /Sotto/)
})

test('without a screen it says so and ends', async () => {
  const blind = startWindow('blind', {
    ...(await person('blind')),
    DISPLAY: '',
    WAYLAND_DISPLAY: '',
  })
  assert.equal((await blind.exited).code, 1)
  assert.match(fs.readFileSync(blind.log, 'utf8'), /needs a screen/)
})
