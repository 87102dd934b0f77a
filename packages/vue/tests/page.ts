// A page that a server renders and a browser takes over.
import { defineComponent, h } from 'vue'
import { useSession } from '../src/index.js'

export const Page = defineComponent({
  setup() {
    const { status, loggedIn, claims } = useSession()
    return () => h('main', { 'data-status': status.value }, loggedIn.value ? `Hello ${claims.value?.name}` : 'Welcome')
  },
})
