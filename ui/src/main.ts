import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/newsreader/wght.css'
import '@fontsource-variable/newsreader/wght-italic.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/controls.css'
import { mount } from 'svelte'
import { chooseBackend } from '$lib/backend'
import { App as AppModel } from '$lib/state/app.svelte'
import App from './App.svelte'

const target = document.getElementById('app')
const app = new AppModel(await chooseBackend())
if (target) mount(App, { target, props: { app } })
