import { mount } from 'svelte'
import App from './App.svelte'
import { session } from './session'

mount(App, { target: document.getElementById('root')! })
void session.ready().catch(() => undefined) // not reachable: the page goes on not knowing
