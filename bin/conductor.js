#!/usr/bin/env node
// CommonJS (see package.json beside this file), because node starts it in less time than a module. A build with nothing to
// do ends in `dist/start.cjs`, everything else in `dist/main.cjs`. Each defines one function, and its compiled code is kept in the
// user's cache folder: compiling is a fifth of what conductor adds to the start of node, and a third of a build of one task.
const { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, statSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const DIST = join(__dirname, '..', 'dist');
/** Of a file of compiled code: what it was compiled from and by, as text. */
const HEADER_BYTES = 128;

// Node reads UTF-8 by itself, with one call. It needs longer to decode it, which counts in megabytes.
const start = compiled('start', 'utf8');
start
  .run(require)
  .start({ keepCode: start.keepCode, main: loadMain, configValue: () => import('../dist/config-value.js') });

/** Code from a cache cannot import by itself. */
function importModule(name) {
  return import(name);
}

function loadMain() {
  const own = codeFile('main');
  // Where node keeps compiled code itself (22.1 and newer), it keeps that of modules: configs and what they import. By itself it
  // would use a folder that other users can make before it does, and it trusts what is there.
  const modules = process.env.NODE_COMPILE_CACHE || (own && join(own, '..', 'modules'));
  const { createRequire, enableCompileCache } = require('node:module');
  if (modules) enableCompileCache?.(modules);
  const main = compiled('main', 'latin1');
  // Where conductor runs once, as in a container, keeping code costs more than it saves. The start keeps its code after a build
  // with nothing to do, so its file is a sign of use.
  const isUsedOften = existsSync(codeFile('start') ?? '');
  const given = [
    createRequire(main.source),
    require('node:url').pathToFileURL(main.source).href,
    importModule,
  ];
  return { ...main.run(...given), keepCode: isUsedOften ? main.keepCode : () => {} };
}

/**
 * A file of `dist` that defines one function of `module` and what `run` is given, as a module that has not run, with what keeps
 * its compiled code. It is ASCII, which takes half the space.
 */
function compiled(name, encoding) {
  const source = join(DIST, `${name}.cjs`);
  const text = readFileSync(source, encoding);
  const file = codeFile(name);
  const header = file && headerText(source);
  const kept = file && readKept(file);
  const cachedData = kept?.toString('latin1', 0, HEADER_BYTES) === header ? soundCode(kept) : undefined;
  const script = new Script(text, { filename: source, cachedData });
  // The function below must not hold megabytes of code in memory.
  const isKept = cachedData !== undefined;
  return {
    source,
    run(...given) {
      const module = { exports: {} };
      script.runInThisContext()(module, ...given);
      return module.exports;
    },
    // Code that this node rejects (it has other flags) is left for those that accept it.
    keepCode() {
      if (file && !isKept) keep(file, header, script.createCachedData());
    },
  };
}

/** V8 compares its own version and the length of the source. Installers set `mtime`, and file systems reuse inodes, but no program can set `ctime`. */
function headerText(source) {
  const { size, mtimeMs, ctimeMs, ino } = statSync(source);
  const text = `${process.version} ${process.arch} ${size} ${mtimeMs} ${ctimeMs} ${ino}`;
  return text.slice(0, HEADER_BYTES).padEnd(HEADER_BYTES);
}

/** One for each version of node, so that a new version of conductor replaces it. In the folder that `userCache` of the command line names. */
function codeFile(name) {
  const { HOME, XDG_CACHE_HOME } = process.env;
  if (!HOME || process.platform === 'win32') return undefined;
  const caches = process.platform === 'darwin' ? join(HOME, 'Library', 'Caches') : join(HOME, '.cache');
  const folder = process.platform === 'darwin' ? caches : XDG_CACHE_HOME || caches;
  return join(folder, 'conductor', `${name}-${process.version}-${process.arch}.code`);
}

function readKept(file) {
  let handle;
  try {
    // A pipe in its place is not waited for.
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    // What another user could write is no code of ours. Asked of what is open: another file may take the name meanwhile.
    const found = fstatSync(handle);
    const isOurs = found.isFile() && found.uid === process.getuid() && (found.mode & 0o022) === 0;
    return isOurs ? readFileSync(handle) : undefined;
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
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
