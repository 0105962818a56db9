// What the file of the command line does not hold, because most commands never run it: packages of agents and of questions, and
// the generated validators of schemas that a build reads only in some projects. Each is a file of its own in dist/later/.
import { readFileSync } from 'node:fs';
import { schemaNames } from './validators.js';

/** Files by the packages that they hold; several of one package share its classes. */
const PACKAGES = {
  acp: ['@agentclientprotocol/sdk'],
  ajv: ['ajv'],
  markdown: ['mdast-util-from-markdown', 'mdast-util-to-string'],
  mcp: [
    '@modelcontextprotocol/sdk/server/index.js',
    '@modelcontextprotocol/sdk/server/stdio.js',
    '@modelcontextprotocol/sdk/server/streamableHttp.js',
    '@modelcontextprotocol/sdk/types.js',
  ],
  opencode: ['@opencode-ai/sdk/v2/client'],
  questions: ['@clack/prompts'],
  'simple-git': ['simple-git'],
};
/** Schemas of what most builds read: their validators stay in the file of the command line. */
const AT_ONCE = new Set(['backlog', 'config', 'metadata', 'spec-front-matter']);
const VALIDATOR = 'validator:';

const fileOf = new Map([
  ...Object.entries(PACKAGES).flatMap(([file, names]) => names.map((name) => [name, file])),
  ...schemaNames()
    .filter((name) => !AT_ONCE.has(name))
    .map((name) => [`${VALIDATOR}${name}`, `validator-${name}`]),
]);

const isValidator = (file) => file.startsWith('validator-');

/** For the file of the command line: in place of each package, a module that loads its file when it is first needed. */
export function loadedLater() {
  return {
    name: 'loaded-later',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /./ }, ({ path, namespace }) => {
        const file = fileOf.get(path);
        if (file === undefined || namespace === 'later') return undefined;
        return { path: file, namespace: 'later' };
      });
      onResolve({ filter: /^\.\/later\// }, ({ path }) => ({ path, external: true }));
      onLoad({ filter: /./, namespace: 'later' }, ({ path }) => ({
        contents: isValidator(path)
          ? `export default require('./later/${path}.cjs').default;`
          : `module.exports = require('./later/${path}.cjs');`,
        loader: 'js',
      }));
    },
  };
}

/** Code that V8 takes from a cache cannot import: it calls a function of the file that runs it. */
export const IMPORTER = 'conductorImport';
const IMPORT =
  /(?<!typeof )\bimport\((?=url\.href|pathToFileURL|'(?:@aws-sdk\/client-s3|bullmq|chokidar|ioredis|jiti|piscina)')/g;
const IMPORTING =
  /[\\/]src[\\/](?:io[\\/](?:module|typescript|network[\\/]s3|pool[\\/]thread-pool|queue[\\/]connection)|commands[\\/]watch[\\/]file-events)\.ts$/;

export function importedFromOutside() {
  return {
    name: 'imported-from-outside',
    setup({ onLoad }) {
      onLoad({ filter: IMPORTING }, ({ path }) => ({
        contents: readFileSync(path, 'utf8').replace(IMPORT, `${IMPORTER}(`),
        loader: 'ts',
      }));
    },
  };
}

/** Fails if there is one left that would. */
export function refuseImports(text) {
  // Not a method of that name, and not words in a text.
  const left = /(?<![\w.$"'`\\])import\((?!\)|\\).*/.exec(text)?.[0].slice(0, 100);
  if (left !== undefined) throw new Error(`it would fail with kept code: ${left}`);
}

/** The files by their names, for a bundle of their own. */
export function laterEntries() {
  return Object.fromEntries([...new Set(fileOf.values())].map((file) => [file, `later:${file}`]));
}

export function laterContents(root) {
  return {
    name: 'later-contents',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^later:/ }, ({ path }) => ({
        path: path.slice('later:'.length),
        namespace: 'later',
      }));
      onLoad({ filter: /./, namespace: 'later' }, ({ path }) => {
        const names = [...fileOf].filter(([, file]) => file === path).map(([name]) => JSON.stringify(name));
        const lines = names.map((name) =>
          isValidator(path) ? `export { default } from ${name};` : `export * from ${name};`,
        );
        return { contents: lines.join('\n'), loader: 'js', resolveDir: root };
      });
    },
  };
}
