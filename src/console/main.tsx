import './styles/console.css'
import { createRoot } from 'react-dom/client'
import { takeProblemFromAddress } from './api/provider-session.ts'
import { takeTokenFromAddress } from './api/token.ts'
import { App } from './app.tsx'
import { paint } from './shell/settings.ts'

takeTokenFromAddress()
takeProblemFromAddress()
paint()
const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)
