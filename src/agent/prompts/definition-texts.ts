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
    return body === undefined ? prompt : `${withoutTools(body)}\n\n---\n\n${prompt}`;
  }
}

/** Without the sentences about OpenCode's tools: other drivers have none of them, and say in the prompt what to do instead. */
function withoutTools(body: string): string {
  return body.replace(/(?<=[.:]\s)[^.]*`task_\w+`[^.]*\.\s?/g, '');
}
