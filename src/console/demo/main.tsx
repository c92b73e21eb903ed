import '../styles/tokens.css'
import '../styles/base.css'
import '../styles/controls.css'
import './demo.css'
import { createRoot } from 'react-dom/client'
import { paint } from '../shell/settings.ts'
import { Demo } from './demo.tsx'
import { followShop } from './follow-shop.ts'

paint()
const root = document.getElementById('root')
if (root) createRoot(root).render(<Demo shop={followShop()} />)
