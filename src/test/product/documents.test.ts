/** Holds that the documents lead somewhere: every link of theirs to a file of this repository, and to a heading in it. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { headingsOf } from '../../base/markdown.js';
import { PACKAGE } from '../rig/command-line.js';

const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(join(PACKAGE, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

test.each(documents)('%s has no dead link', (document) => {
  const file = join(PACKAGE, document);
  const text = readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
  for (const link of links.filter((one) => !/^[a-z]+:/.test(one))) {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    expect(existsSync(target), `${document}: ${link}`).toBe(true);
    expect(relative(PACKAGE, target).startsWith('..'), `${document}: ${link}`).toBe(false);
    if (anchor === undefined || statSync(target).isDirectory()) continue;
    const slugs = headingsOf(readFileSync(target, 'utf8')).map(({ slug }) => slug);
    expect(slugs, `${document}: ${link}`).toContain(anchor);
  }
});
