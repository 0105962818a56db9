/** The coding agents that conductor knows by name. */

import type { AgentPreset } from '../model/config.js';
import { aider } from './presets/aider.js';
import { claude } from './presets/claude.js';
import { codex } from './presets/codex.js';
import { gemini } from './presets/gemini.js';
import { opencodeRun } from './presets/opencode-run.js';
import { pi } from './presets/pi.js';
import type { Preset } from './presets/preset.js';

export const PRESETS: Readonly<Record<AgentPreset, Preset>> = {
  claude,
  codex,
  gemini,
  pi,
  aider,
  'opencode-run': opencodeRun,
};
