#!/usr/bin/env node
// CommonJS (see package.json beside this file), because node starts it in less time than a module. A build with nothing to
// do ends in `dist/start.cjs`, so its compiled code is kept in the user's cache folder: compiling is a fifth of what
// conductor adds to the start of node.
const { readFileSync, statSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const START = join(__dirname, '..', 'dist', 'start.cjs');
/** Of a file of compiled code: what it was compiled from and by, as text. */
const HEADER_BYTES = 128;

const { script, keepCode } = compiled();
const start = {};
script.runInThisContext()(start, require);
start.exports.start({
  keepCode,
  main: () => {
    // Where node keeps compiled code itself (22.1 and newer), it keeps that of the command line.
    require('node:module').enableCompileCache?.();
    return import('../dist/main.js');
  },
  configValue: () => import('../dist/config-value.js'),
});

function compiled() {
  const source = `(function (module, require) {${readFileSync(START, 'utf8')}\n})`;
  const file = codeFile();
  if (file === undefined) return { script: new Script(source, { filename: START }), keepCode() {} };
  const header = headerText();
  const kept = readKept(file);
  const isKept = kept?.toString('latin1', 0, HEADER_BYTES) === header;
  const cachedData = isKept ? soundCode(kept) : undefined;
  const made = new Script(source, { filename: START, cachedData });
  // Code that this node rejects (it has other flags) is left for those that accept it.
  return {
    script: made,
    keepCode: () => cachedData === undefined && keep(file, header, made.createCachedData()),
  };
}

/** V8 compares its own version and the length of the source. Installers set `mtime`, and file systems reuse inodes, but no program can set `ctime`. */
function headerText() {
  const { size, mtimeMs, ctimeMs, ino } = statSync(START);
  const text = `${process.version} ${process.arch} ${size} ${mtimeMs} ${ctimeMs} ${ino}`;
  return text.slice(0, HEADER_BYTES).padEnd(HEADER_BYTES);
}

/** One for each version of node, so that a new version of conductor replaces it. As `env-paths` names the folder. */
function codeFile() {
  const { HOME, XDG_CACHE_HOME } = process.env;
  if (!HOME || process.platform === 'win32') return undefined;
  const caches = process.platform === 'darwin' ? join(HOME, 'Library', 'Caches') : join(HOME, '.cache');
  const folder = process.platform === 'darwin' ? caches : XDG_CACHE_HOME || caches;
  return join(folder, 'conductor', `start-${process.version}-${process.arch}.code`);
}

function readKept(file) {
  try {
    // What another user could write is no code of ours.
    const found = statSync(file, { throwIfNoEntry: false });
    const isOurs = found?.isFile() && found.uid === process.getuid() && (found.mode & 0o022) === 0;
    return isOurs ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  }
}

/** V8 trusts what it is given, and a digest takes longer than it saves: the code is there twice. */
function soundCode(kept) {
  const middle = (HEADER_BYTES + kept.length) / 2;
  const code = kept.subarray(HEADER_BYTES, middle);
  return code.length > 0 && code.equals(kept.subarray(middle)) ? code : undefined;
}

/** A cache that cannot be written is done without. */
function keep(file, header, code) {
  const { mkdirSync, renameSync, rmSync, writeFileSync } = require('node:fs');
  const temporary = `${file}.${process.pid}`;
  try {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(temporary, Buffer.concat([Buffer.from(header, 'latin1'), code, code]), {
      flag: 'wx',
      mode: 0o600,
      flush: true,
    });
    renameSync(temporary, file);
  } catch {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // Its folder is none.
    }
  }
}
