import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { validateSchema } from '../../io/document/document.js';
import { importModule } from '../../io/module.js';
import { configText } from './config-text.js';

const LONG = Array.from({ length: 6 }, (_, index) => `npm run a-rather-long-name-${index}`);

test.each([
  { installed: true, gates: ['npm test'], links: ['node_modules'] },
  { installed: false, gates: ['echo "a" \'b\' \\', 'x'], links: [] },
  { installed: true, gates: [], links: [] },
  { installed: false, gates: LONG, links: LONG },
])('the config of %j is what it says, and valid', async ({ installed, gates, links }) => {
  const text = configText({ installed, gates, links, install: 'npm install --save-dev conductor-build' });
  const folder = mkdtempSync(join(tmpdir(), 'conductor-config-'));
  try {
    writeFileSync(join(folder, 'conductor.config.ts'), text);
    const alias = { 'conductor-build': fileURLToPath(new URL('../../index.ts', import.meta.url)) };
    const module = (await importModule(join(folder, 'conductor.config.ts'), { alias })) as {
      default: object;
    };
    expect(module.default).toEqual({
      ...(gates.length > 0 ? { gates: { build: gates } } : {}),
      ...(links.length > 0 ? { workspace: { link: links } } : {}),
    });
    expect(await validateSchema('config', module.default)).toEqual([]);
    expect(text.split('\n').filter((line) => line.length > 84)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
