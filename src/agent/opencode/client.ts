/** The adapter of OpenCode's SDK: its client and its types. Knows no server and no session. */

export * from '@opencode-ai/sdk/v2/client';
