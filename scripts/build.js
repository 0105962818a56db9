// Bundles the command line, the library entry and the pool's workers into dist/, and writes the library's types.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import {
  IMPORTER,
  importedFromOutside,
  laterContents,
  laterEntries,
  loadedLater,
  refuseImports,
} from './loaded-later.js';
import { compiledValidators } from './validators.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
rmSync(`${root}/dist`, { recursive: true, force: true });

/** Worker threads and native loading need their own files; the rest is faster read from one. */
const EXTERNAL = ['piscina', 'jiti', 'chokidar', '@aws-sdk/client-s3', 'bullmq', 'ioredis'];
/** Its main file looks for its parts while it runs, where nothing can be bundled. */
const ALIAS = { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' };

// What node loads as modules: the library, what it shares with configs, and the programs of threads and processes.
await build({
  absWorkingDir: root,
  entryPoints: {
    'config-value': 'src/cli/config-value.ts',
    index: 'src/index.ts',
    'pool-worker': 'src/io/pool/pool-worker.ts',
    'outline-worker': 'src/plan/outline-worker.ts',
    'lock-keeper-thread': 'src/io/queue/lock-keeper-thread.ts',
    'command-runner': 'src/cli/command-runner.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: EXTERNAL,
  alias: ALIAS,
  define: { CONDUCTOR_VERSION: JSON.stringify(version) },
  plugins: [compiledValidators(root)],
  // CommonJS packages inside an ES module still ask for `require`.
  banner: {
    js: "import { createRequire as conductorRequire } from 'node:module'; const require = conductorRequire(import.meta.url);",
  },
  legalComments: 'linked',
  logLevel: 'warning',
});

// The command line, in one file: node needs longer to load 150 modules than to run them. `bin/conductor.js` runs it as a script
// that defines one function, and keeps its compiled code.
const SHARED = {
  absWorkingDir: root,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  minifyWhitespace: true,
  minifySyntax: true,
  outExtension: { '.js': '.cjs' },
  external: EXTERNAL,
  alias: ALIAS,
  legalComments: 'linked',
  logLevel: 'warning',
};
await build({
  ...SHARED,
  entryPoints: { main: 'src/cli/main.ts' },
  outdir: 'dist',
  define: { CONDUCTOR_VERSION: JSON.stringify(version), 'import.meta.url': 'conductorUrl' },
  banner: { js: `(function (module, require, conductorUrl, ${IMPORTER}) {` },
  footer: { js: '})' },
  plugins: [loadedLater(), importedFromOutside(), compiledValidators(root)],
});
// Regular expressions keep other characters: with escapes in their place, V8 needs one byte for each character.
const ascii = readFileSync(`${root}/dist/main.cjs`, 'utf8').replace(
  /[\u0080-\uffff]/g,
  (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
);
refuseImports(ascii);
writeFileSync(`${root}/dist/main.cjs`, ascii);
await build({
  ...SHARED,
  entryPoints: laterEntries(),
  outdir: 'dist/later',
  plugins: [laterContents(root), compiledValidators(root)],
});

/** Node's own modules that cost milliseconds are loaded by the first call of one of their functions. */
const loadedWhenCalled = {
  name: 'loaded-when-called',
  setup({ onResolve, onLoad }) {
    const filter = /^node:(?:child_process|crypto|fs\/promises|net|os|timers\/promises)$/;
    onResolve({ filter }, ({ path, namespace }) =>
      namespace === 'file' ? { path, namespace: 'node-later' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'node-later' }, async ({ path }) => {
      const names = Object.entries(await import(path)).filter(
        ([name, value]) => name !== 'default' && typeof value === 'function',
      );
      const lines = names.map(
        ([name]) => `export function ${name}(...all) { return require('${path}').${name}(...all); }`,
      );
      return { contents: lines.join('\n'), loader: 'js' };
    });
  },
};

// What a build with nothing to do needs, in one small file that node loads in the quickest way.
await build({
  absWorkingDir: root,
  entryPoints: { start: 'src/cli/start.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  minify: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  banner: { js: '(function (module, require) {' },
  footer: { js: '})' },
  plugins: [loadedWhenCalled],
  define: { CONDUCTOR_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});

// Plugins of OpenCode, one file each and nothing to resolve: one that imports a package is skipped without a word.
await build({
  absWorkingDir: root,
  entryPoints: {
    'context-compressor': '.opencode/plugin/context-compressor.ts',
    'task-tracker': '.opencode/plugin/task-tracker.ts',
  },
  outdir: 'dist/plugin',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  logLevel: 'warning',
});

// The page of `conductor ui` and `conductor report`: one script and one style sheet, with nothing to load at run time.
await build({
  absWorkingDir: root,
  entryPoints: { app: 'src/ui/main.tsx' },
  outdir: 'dist/ui',
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'linked',
  logLevel: 'warning',
});
copyFileSync(`${root}/src/ui/index.html`, `${root}/dist/ui/index.html`);

execFileSync(
  process.execPath,
  [`${root}/node_modules/typescript/bin/tsc`, '-p', `${root}/tsconfig.types.json`],
  { stdio: 'inherit' },
);
