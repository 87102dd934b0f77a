import '../shared/base.css'
import { createApp } from 'vue'
import App from './App.vue'
import { createSession, sessionKey } from './session'

createApp(App).provide(sessionKey, createSession()).mount('#app')
