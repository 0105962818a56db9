/** Before every test file: generated inputs are the same each time, or those of TEST_SEED. Failures print the seed. */

import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.TEST_SEED ?? 20261123) });
