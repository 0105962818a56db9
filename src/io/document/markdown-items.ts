/** Items of a Markdown document that carry an identifier (`R12: …`): list items and paragraphs. Adapter of mdast. */

import type { fromMarkdown } from 'mdast-util-from-markdown';

type Root = ReturnType<typeof fromMarkdown>;
type Node = Root | Root['children'][number];
type Parent = Extract<Node, { children: unknown[] }>;

/** Larger documents are not searched: nobody refers to single items of them. */
const MAX_BYTES = 262_144;

/**
 * The source of every list item or paragraph that begins with the identifier (`R12`, in bold or with `:` behind it, in
 * any case), or of the item with this number of an ordered list (`12`). An item is given with the items nested in it.
 */
export async function itemsCalled(text: string, identifier: string): Promise<string[]> {
  if (Buffer.byteLength(text) > MAX_BYTES) return [];
  const [{ fromMarkdown: parse }, { toString: wordsOf }] = await Promise.all([
    import('mdast-util-from-markdown'),
    import('mdast-util-to-string'),
  ]);
  const wanted = identifier.toLowerCase();
  const number = /^\d+$/.test(identifier) ? Number(identifier) : undefined;
  const begins = (node: Node) => {
    const words = wordsOf(node).trimStart().toLowerCase();
    return words.startsWith(wanted) && !/^(?:[\p{L}\p{N}_-]|\.\d)/u.test(words.slice(wanted.length));
  };
  const found: Node[] = [];
  const visit = (node: Parent | Root) => {
    for (const [at, child] of node.children.entries()) {
      const isNumbered =
        number !== undefined &&
        node.type === 'list' &&
        'ordered' in node &&
        node.ordered === true &&
        ((node as { start?: number | null }).start ?? 1) + at === number;
      const isCalled =
        (child.type === 'listItem' || child.type === 'paragraph') && number === undefined && begins(child);
      if (isNumbered || isCalled) found.push(child);
      else if ('children' in child && child.type !== 'paragraph') visit(child as Parent);
    }
  };
  visit(parse(text));
  return found.map(({ position }) => {
    const from = position?.start.offset ?? 0;
    return text.slice(from, position?.end.offset ?? from).trim();
  });
}
