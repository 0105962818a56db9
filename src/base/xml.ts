/** Elements as XML 1.0. Knows no document. */

export interface XmlElement {
  readonly name: string;
  /** Those that are undefined are left out. */
  readonly attributes?: Readonly<Record<string, string | number | undefined>>;
  readonly children?: readonly (XmlElement | string)[];
}

export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${written(root, '')}\n`;
}

function written({ name, attributes = {}, children = [] }: XmlElement, indent: string): string {
  const all = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${attribute(String(value))}"`],
  );
  const start = `${indent}<${name}${all.join('')}`;
  if (children.length === 0) return `${start}/>`;
  // Text is content: nothing is put around it.
  if (children.some((child) => typeof child === 'string')) {
    const inner = children.map((child) => (typeof child === 'string' ? escaped(child) : written(child, '')));
    return `${start}>${inner.join('')}</${name}>`;
  }
  const inner = children.map((child) => written(child as XmlElement, `${indent}  `));
  return `${start}>\n${inner.join('\n')}\n${indent}</${name}>`;
}

/** A parser would read line breaks and tabs in attributes as spaces. */
function attribute(text: string): string {
  return escaped(text).replace(/"/g, '&quot;').replace(/\n/g, '&#10;').replace(/\t/g, '&#9;');
}

/** Characters that XML does not have, not even escaped, become U+FFFD: the control characters, and halves of a pair. */
function escaped(text: string): string {
  return text
    .replace(NOT_IN_XML, '\ufffd')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/\r/g, '&#13;');
}

const NOT_IN_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
