/** How sentences of conductor name its commands: as the person who reads them types them. */

/**
 * A sentence of conductor with its commands as this person types them. Every text that names a command writes it as
 * `conductor <command>`, in backticks.
 */
export function asCalled(text: string, calledAs = 'conductor'): string {
  return text.replaceAll('`conductor ', `\`${calledAs} `);
}
