/** The doctor's findings as lines for people. Knows no check. */

import { asCalled } from '../model/output/called-as.js';
import { type Colour, plural, type Style, visible } from './style.js';
import { padTo, textWidth } from './width.js';

export interface DoctorLine {
  readonly about: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  readonly hint?: string;
}

const COLOURS: Readonly<Record<DoctorLine['state'], Colour>> = {
  ok: 'green',
  warning: 'yellow',
  problem: 'red',
};
const STATE_WIDTH = 'warning'.length;

/** A line a finding, its hint below it, and how many need a person. */
export function doctorText(findings: readonly DoctorLine[], style: Style): string {
  const width = Math.max(0, ...findings.map(({ about }) => textWidth(about)));
  const lines = findings.flatMap(({ about, state, found, hint }) => [
    `${style(COLOURS[state], padTo(state, STATE_WIDTH))}  ${padTo(about, width)}  ${visible(found)}`,
    ...(hint === undefined
      ? []
      : [
          `${' '.repeat(STATE_WIDTH + width + 4)}${style('cyan', 'hint')}: ${visible(asCalled(hint, style.calledAs))}`,
        ]),
  ]);
  return `${[...lines, `conductor: ${summary(findings)}`].join('\n')}\n`;
}

function summary(findings: readonly DoctorLine[]): string {
  const count = (state: DoctorLine['state']) => findings.filter((one) => one.state === state).length;
  const parts = [
    ...(count('problem') > 0 ? [plural(count('problem'), 'problem')] : []),
    ...(count('warning') > 0 ? [plural(count('warning'), 'warning')] : []),
  ];
  return parts.length === 0 ? 'all is well' : parts.join(', ');
}
