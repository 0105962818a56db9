import { defineConfig } from 'conductor-build';

// Every key is optional. This repository builds a small application from `specs/` into `generated/`, with
// templates and commands only: no agent, no key, no network.
export default defineConfig({
  // Tasks that run at the same time.
  workers: 4,

  gates: {
    // Once, on everything together, when something below `generated/` has changed.
    build: [
      {
        name: 'all tests of the application',
        // A build of other features alone leaves nothing to test.
        run: 'test ! -d generated/notes/test || node --test generated/notes/test/*.test.js',
        timeoutMinutes: 2,
        inputs: ['generated/**'],
      },
    ],
  },

  // A task without `render` or `run` is written by an agent. Any coding agent with a command line will do:
  //
  //   agent: { driver: 'command', preset: 'claude', env: ['ANTHROPIC_API_KEY'] },

  // What tasks and gates need to run is linked into their workspaces.
  workspace: { link: ['node_modules'] },
});
