import './styles/console.css'
import { createRoot } from 'react-dom/client'
import { takeTokenFromAddress } from './api/token.ts'
import { App } from './app.tsx'
import { paint } from './shell/settings.ts'

takeTokenFromAddress()
paint()
const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)
