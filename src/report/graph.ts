/** The graph of tasks as text and in the languages of drawing programs. Keeps the order of the nodes. */

import type { Label } from '../model/task.js';
import { visible } from './style.js';

export interface GraphNode {
  readonly label: Label;
  readonly verdict?: string;
  readonly dependsOn: readonly Label[];
}

export function graphText(nodes: readonly GraphNode[]): string {
  return nodes
    .map(({ label, verdict, dependsOn }) => {
      const state = verdict === undefined ? '' : ` [${visible(verdict)}]`;
      const needs = dependsOn.map((need) => `  <- ${visible(need)}\n`).join('');
      return `${visible(label)}${state}\n${needs}`;
    })
    .join('');
}

/** Nodes get numbers for names: labels may hold anything. */
export function graphMermaid(nodes: readonly GraphNode[]): string {
  const names = new Map(nodes.map((node, index) => [node.label, `t${index}`]));
  const quoted = (text: string) =>
    visible(text).replace(/[#"&<>`\\]/g, (character) => `#${character.charCodeAt(0)};`);
  const lines = ['flowchart LR'];
  for (const { label, verdict } of nodes) {
    const state = verdict === undefined ? '' : `<br/>${quoted(verdict)}`;
    lines.push(`  ${names.get(label)}["${quoted(label)}${state}"]`);
  }
  for (const { from, to } of edges(nodes)) lines.push(`  ${names.get(from)} --> ${names.get(to)}`);
  return `${lines.join('\n')}\n`;
}

export function graphDot(nodes: readonly GraphNode[]): string {
  const quote = (text: string) => `"${text.replace(/[\\"]/g, '\\$&')}"`;
  const lines = ['digraph conductor {', '  rankdir=LR;', '  node [shape=box];'];
  for (const { label, verdict } of nodes) {
    const state = verdict === undefined ? '' : ` [tooltip=${quote(visible(verdict))}]`;
    lines.push(`  ${quote(visible(label))}${state};`);
  }
  for (const { from, to } of edges(nodes)) lines.push(`  ${quote(visible(from))} -> ${quote(visible(to))};`);
  return `${[...lines, '}'].join('\n')}\n`;
}

export function graphJson(nodes: readonly GraphNode[]): string {
  return `${JSON.stringify({ schema: 1, tasks: nodes }, null, 2)}\n`;
}

/** From what is needed to what needs it; needs outside the selection are left out. */
function edges(nodes: readonly GraphNode[]): { from: Label; to: Label }[] {
  const known = new Set(nodes.map((node) => node.label));
  return nodes.flatMap(({ label, dependsOn }) =>
    dependsOn.filter((need) => known.has(need)).map((need) => ({ from: need, to: label })),
  );
}
