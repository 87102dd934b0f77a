import '../shared/base.css'
import { createSession } from '@cloakroom/client'
import { sessionPlugin } from '@cloakroom/vue'
import { createApp } from 'vue'
import App from './App.vue'

createApp(App).use(sessionPlugin(createSession())).mount('#app')
