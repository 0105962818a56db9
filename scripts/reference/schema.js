// Builds the page of one schema: a table of keys for each object in it.
import { code, literal, pageHead, readSchema, table } from './markdown.js';

export function schemaPage(name) {
  const schema = readSchema(name);
  const head = pageHead(
    schema.title,
    `schemas/${name}.schema.json`,
    `${schema.description}\n\nSchema: \`conductor schema ${name}\`.`,
  );
  const sections = [];
  collect(schema, schema, [], sections, new Map());
  return [head, ...sections].join('\n');
}

/** A section for this object, then one for each object inside. Equal objects are shown once. */
function collect(schema, node, way, sections, shown) {
  const properties = propertiesOf(schema, node);
  if (Object.keys(properties).length > 0) {
    const text = JSON.stringify(properties);
    const title = way.length === 0 ? 'Keys' : code(way.join('.').replaceAll('.[]', '[]'));
    const before = shown.get(text);
    if (before !== undefined) {
      sections.push(`## ${title}\n\nAs ${before}.\n`);
      return;
    }
    shown.set(text, title);
    sections.push(
      `## ${title}\n\n${about(schema, node, way)}${propertyTable(schema, properties, requiredOf(schema, node))}`,
    );
  }
  for (const [step, inner] of innerOf(schema, node)) collect(schema, inner, [...way, step], sections, shown);
}

function about(schema, node, way) {
  const text = deref(schema, node).description;
  return way.length === 0 || text === undefined ? '' : `${text}\n\n`;
}

export function propertyTable(schema, properties, required) {
  const rows = Object.entries(properties).map(([key, one]) => {
    const node = deref(schema, one);
    const example =
      node.examples === undefined
        ? ''
        : ` Example: ${node.examples.map((value) => code(literal(value))).join(', ')}.`;
    const must = required.includes(key) ? ' Required.' : '';
    const fallback = node.default === undefined ? '' : code(literal(node.default));
    return [
      code(key),
      typeOf(schema, one),
      fallback,
      `${(one.description ?? node.description ?? '').trim()}${must}${example}`,
    ];
  });
  return table(['key', 'type', 'default', 'meaning'], rows);
}

/** Keys of an object, including those of its alternative forms. */
function propertiesOf(schema, node) {
  const one = deref(schema, node);
  const all = { ...one.properties };
  for (const form of [one.then, one.else, ...(one.anyOf ?? []).map((other) => deref(schema, other))]) {
    if (form === undefined) continue;
    // A form may have alternatives of its own: three drivers are an `else` in an `else`.
    for (const [key, value] of Object.entries(propertiesOf(schema, form))) all[key] ??= value;
  }
  return all;
}

function requiredOf(schema, node) {
  const one = deref(schema, node);
  const forms = (one.anyOf ?? []).map((other) => deref(schema, other));
  return [...(one.required ?? []), ...forms.flatMap((form) => form.required ?? [])];
}

function innerOf(schema, node) {
  const one = deref(schema, node);
  const inner = Object.entries(propertiesOf(schema, node)).map(([key, value]) => [key, value]);
  if (one.items !== undefined) inner.push(['[]', one.items]);
  if (typeof one.additionalProperties === 'object') inner.push(['<name>', one.additionalProperties]);
  return inner;
}

export function typeOf(schema, node) {
  const one = deref(schema, node);
  if (one.const !== undefined) return code(literal(one.const));
  if (one.enum) return one.enum.map((value) => code(literal(value).replaceAll("'", ''))).join(', ');
  if (one.anyOf) return [...new Set(one.anyOf.map((other) => typeOf(schema, other)))].join(' or ');
  const types = [one.type ?? 'any value'].flat();
  return types.map((type) => typeWord(schema, one, type)).join(' or ');
}

function typeWord(schema, node, type) {
  if (type === 'array') {
    const items = node.items === undefined ? '' : ` of ${typeOf(schema, node.items)}`;
    return `list${items}`;
  }
  if (type === 'integer') return 'whole number';
  if (type === 'object') return 'mapping';
  return type;
}

export function deref(schema, node) {
  if (node.$ref === undefined) return node;
  const { $ref, ...more } = node;
  const target = $ref
    .split('/')
    .slice(1)
    .reduce((inner, step) => inner[step], schema);
  return { ...deref(schema, target), ...more };
}
