/** Runs `src/test/torture/main.ts`: kills, failing disks, power cuts and damaged files, from a printed seed. */

import { createJiti } from 'jiti';

const jiti = createJiti(import.meta.url);
const { main } = await jiti.import('../src/test/torture/main.ts');
process.exitCode = await main(process.argv.slice(2));
