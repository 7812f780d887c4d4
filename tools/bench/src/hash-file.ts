import { createVerifier } from '@ict/verify';

/** Prints the SHA-256 of each file named, found by one worker of the pool that verifies packages: one side of the scenario `hash`. */
const verifier = createVerifier({ workers: 1 });
try {
  for (const file of process.argv.slice(2)) process.stdout.write(`${(await verifier.digestFile(file)).digest}\n`);
} finally {
  await verifier.close();
}
