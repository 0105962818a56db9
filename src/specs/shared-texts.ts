/** Equal texts as one text in memory. Knows nothing of what they say. */

export class SharedTexts {
  private readonly known = new Map<string, string>();

  /** The first text that was given and is equal. */
  one(text: string): string {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    flat(text);
    this.known.set(text, text);
    return text;
  }
}

/**
 * V8 keeps a text that was put together as its two parts until somebody asks for a character in it. Asked early, the parts are
 * garbage; later, when they are old, they would stay beside the whole.
 */
function flat(text: string): void {
  text.charCodeAt(0);
}
