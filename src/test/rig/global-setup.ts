/** Once before all tests: the process that runs them carries nothing of the session it was started from. */

export default function setup(): void {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('GIT_') || name.startsWith('CONDUCTOR_')) delete process.env[name];
  }
  process.env.GIT_CONFIG_GLOBAL = '/dev/null';
}
