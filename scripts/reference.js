// Writes one page of docs/reference/. Run by conductor: specs/feature-004-reference.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { commandLinePage } from './reference/command-line.js';
import { eventsPage, failuresPage, projectEventsPage } from './reference/events.js';
import { schemaPage } from './reference/schema.js';

const PAGES = {
  'command-line': commandLinePage,
  events: eventsPage,
  'project-events': projectEventsPage,
  failures: failuresPage,
};

const [page] = process.argv.slice(2);
const file = `docs/reference/${page}.md`;
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, await (PAGES[page] ?? schemaPage)(page));
