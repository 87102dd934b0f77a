import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

// Two builds: the page that the gateway serves (dist), and with `--mode lab`
// the two pages that live on other origins (dist/lab). The gateway relays /lab
// to the demo's own server, so nothing of dist/lab is reachable beside the page.
export default defineConfig(({ mode }) => {
  // The first browsers with light-dark() in CSS: it is used as it stands.
  const target = ['chrome123', 'firefox120', 'safari17.5']
  if (mode === 'lab') {
    return {
      root: 'lab',
      base: './',
      build: {
        target,
        outDir: '../dist/lab',
        emptyOutDir: true,
        rolldownOptions: { input: ['storage.html', 'foreign.html'] },
      },
    }
  }
  return { plugins: [vue()], build: { target } }
})
