/**
 * Joins the usage in an agent's output with its usage file. Both may report the same work, so the larger number
 * counts.
 */

import type { Usage } from '../model/action.js';
import { largerUsage, sameUsage } from './usage.js';

export class CommandMeter {
  total: Usage = {};
  private fromOutput: Usage = {};
  private fromFile: Usage = {};
  private readonly onChange: (usage: Usage) => void;

  constructor(onChange: (usage: Usage) => void) {
    this.onChange = onChange;
  }

  output(usage: Usage): void {
    this.fromOutput = largerUsage(this.fromOutput, usage);
    this.update();
  }

  file(usage: Usage): void {
    this.fromFile = largerUsage(this.fromFile, usage);
    this.update();
  }

  private update(): void {
    const total = largerUsage(this.fromOutput, this.fromFile);
    if (sameUsage(total, this.total)) return;
    this.total = total;
    this.onChange(total);
  }
}
