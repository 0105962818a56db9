/** Agent definitions for drivers that do not know them: the text of one stands above the prompt. */

import type { AgentDefinition } from './definitions.js';

export class DefinitionTexts {
  private definitions: ReadonlyMap<string, AgentDefinition> = new Map();

  use(all: ReadonlyMap<string, AgentDefinition>): void {
    this.definitions = all;
  }

  /** The prompt below the text of a definition; the prompt alone where there is no definition of this name. */
  above(name: string | undefined, prompt: string): string {
    const body = this.definitions.get(name ?? '')?.body;
    return body === undefined ? prompt : `${body}\n\n---\n\n${prompt}`;
  }
}
