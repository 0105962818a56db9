// Generates the validators of the schemas as code while the package is built: compiling a schema takes longer than checking a spec.
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';

/** The options of `src/io/document/compiled-schema.ts`. A test compares the generated validators with the compiled ones. */
const OPTIONS = { allErrors: true, verbose: true, allowUnionTypes: true, validateSchema: false };
const ENDING = '.schema.json';

/** A module whose default export is the function that `Ajv.compile` returns. */
export function validatorCode(schema) {
  const ajv = new Ajv({ ...OPTIONS, code: { source: true, esm: true } });
  ajv.addKeyword({ keyword: 'patternErrorMessage', schemaType: 'string' });
  return standaloneCode.default(ajv, ajv.compile(schema));
}

export function schemaNames() {
  return readdirSync(new URL('../schemas', import.meta.url))
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length));
}

/** In place of `compiled-schema.ts`, a module that loads the function for a schema. */
export function compiledValidators(root) {
  const folder = `${root}/schemas`;
  const names = schemaNames();
  return {
    name: 'compiled-validators',
    setup({ onLoad, onResolve }) {
      onLoad({ filter: /[\\/]io[\\/]document[\\/]compiled-schema\.ts$/ }, () => {
        const loaders = names.map((name) => `${JSON.stringify(name)}: () => import('validator:${name}')`);
        const contents = `const LOADERS = { ${loaders.join(', ')} };
export const compiledSchema = async (name) => (await LOADERS[name]()).default;`;
        return { contents, loader: 'js', resolveDir: root };
      });
      onResolve({ filter: /^validator:/ }, ({ path }) => ({
        path: path.slice('validator:'.length),
        namespace: 'validator',
      }));
      onLoad({ filter: /./, namespace: 'validator' }, ({ path }) => ({
        contents: validatorCode(JSON.parse(readFileSync(`${folder}/${path}${ENDING}`, 'utf8'))),
        loader: 'js',
        resolveDir: root,
      }));
    },
  };
}
