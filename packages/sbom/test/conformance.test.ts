import { describe, expect, it } from 'vitest';
import type { BillInput } from '@ict/plugin-api';
import { describeExporter, type ExporterFixture } from '@ict/plugin-testkit';
import { createManifestExporter } from '../src/manifest.js';
import { createSpdxExporter } from '../src/spdx.js';
import { bill } from './support/bill.js';

const input = (): BillInput => {
  const one = bill();
  return {
    ...one,
    repositories: one.repositories.flatMap((repository) => [repository, { ...repository, id: `${repository.id}-updates` }]),
  };
};

const fixture = (exporter: ExporterFixture['exporter']) => (): ExporterFixture => ({
  exporter,
  input: input(),
  unordered: ['installed', 'packages', 'repositories', 'artifacts'],
});

describeExporter('SPDX', fixture(createSpdxExporter()), { describe, it, expect });
describeExporter('manifest', fixture(createManifestExporter()), { describe, it, expect });
