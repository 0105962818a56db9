/** Backlogs as text, for tests that do not care how they are written. Knows the words of a task, not their meaning. */

/** A task as a backlog has it; what every task must have is filled in. */
export type TaskText = Readonly<Record<string, unknown>>;

/** JSON values are YAML: the text needs no library. */
export function backlogYaml(feature: string, tasks: Readonly<Record<string, TaskText>>): string {
  const lines = [`title: ${JSON.stringify(feature)}`, 'tasks:'];
  for (const [id, task] of Object.entries(tasks)) {
    const all = { id, title: `Task ${id}`, ...task };
    const words = Object.entries(all).filter(([, value]) => value !== undefined);
    words.forEach(([name, value], i) => {
      lines.push(`  ${i === 0 ? '-' : ' '} ${name}: ${JSON.stringify(value)}`);
    });
  }
  return `${lines.join('\n')}\n`;
}
