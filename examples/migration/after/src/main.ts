import { resetOnLogout, sessionPlugin } from '@cloakroom/vue'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { router } from './router'
import { session } from './session'

const pinia = createPinia()
resetOnLogout(session, { pinia })
createApp(App).use(pinia).use(sessionPlugin(session)).use(router).mount('#app')
