/** Starts the page: reads a report's own data, or follows the server, and shows the view that the address names. */

import { render } from 'preact';
import { App } from './app.js';
import { followServer } from './live.js';
import { openReport } from './source.js';
import './style/base.css';
import './style/parts.css';
import './style/views.css';

async function start(): Promise<void> {
  const root = document.getElementById('app');
  if (!root) return;
  const isReport = await openReport();
  if (!isReport) followServer();
  render(<App />, root);
}

void start();
