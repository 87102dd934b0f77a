import { createRoot, hydrateRoot } from 'react-dom/client'
import { App } from './App'

const root = document.getElementById('root')!
if (root.hasChildNodes()) hydrateRoot(root, <App />) // rendered by a server
else createRoot(root).render(<App />)
