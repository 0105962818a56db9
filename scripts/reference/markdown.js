// The parts of a reference page.
import { readFileSync } from 'node:fs';

export function readSchema(name) {
  return JSON.parse(readFileSync(`schemas/${name}.schema.json`, 'utf8'));
}

/** Heading, where the page comes from, and what it is about. */
export function pageHead(title, source, text) {
  return `# ${title}\n\n<!-- Made by conductor from ${source}: edit that, then \`npx conductor build feature-004-reference\`. -->\n\n${text}\n`;
}

export function table(head, rows) {
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line), ''].join('\n');
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

export function code(text) {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** A value as YAML and TypeScript both read it. */
export function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(([key, one]) => `${keyText(key)}: ${literal(one)}`);
    return `{ ${entries.join(', ')} }`;
  }
  if (typeof value !== 'string') return JSON.stringify(value);
  return value.includes("'") ? JSON.stringify(value) : `'${value}'`;
}

function keyText(key) {
  return /^[A-Za-z_]\w*$/.test(key) ? key : `'${key}'`;
}
