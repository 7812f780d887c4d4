import path from 'node:path';
import type { ProblemReport, SourcePosition } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { loadTemplate, type LoadedTemplate } from '../src/documents/load.js';
import { locateReports } from '../src/problems/located-report.js';
import { definition, DISK, HEAD, workspace } from './workspace.js';

async function read(files: Readonly<Record<string, string>>): Promise<LoadedTemplate> {
  const directory = await workspace(files);
  const variables = { given: new Map([['LABEL', 'hunter-label']]) };
  return loadTemplate(path.join(directory, 'image.yml'), { distribution: () => definition(), variables: { ...variables } });
}

const DECLARED = 'variables: { LABEL: { secret: true } }\n';
const report = (position?: SourcePosition, message = 'wrong'): ProblemReport => ({
  code: 'ACME_WRONG',
  message,
  severity: 'error',
  ...(position === undefined ? {} : { position }),
});
const at = ({ draft }: LoadedTemplate, place: string): SourcePosition => draft?.positions.get(place) as SourcePosition;

describe('a report that was made elsewhere', () => {
  it('gets the source line of its place', async () => {
    const loaded = await read({ 'image.yml': `${DECLARED}${HEAD}${DISK}` });
    const [located] = locateReports(loaded, [report(at(loaded, 'disk.partitions[1].fsType'))]);
    expect(located?.snippet).toContain('fsType: ext4, mountPoint: / }');
    expect(located?.snippet?.split('\n')[1]?.trimEnd().endsWith('^')).toBe(true);
    expect(locateReports(loaded, [{ ...report(at(loaded, 'disk.size')), snippet: 'own' }])[0]?.snippet).toBe('own');
  });

  it('points into the parent that the value comes from', async () => {
    const loaded = await read({ 'image.yml': `extends: base.yml\n${HEAD}`, 'base.yml': `${DECLARED}${HEAD}${DISK}` });
    const [located] = locateReports(loaded, [report(at(loaded, 'disk.size'))]);
    expect([path.basename(located?.position?.file ?? ''), located?.snippet]).toEqual(['base.yml', expect.stringContaining('size: 2GiB')]);
  });

  it('shows no secret', async () => {
    const loaded = await read({ 'image.yml': `${DECLARED}${HEAD}${DISK}` });
    expect(JSON.stringify(locateReports(loaded, [report(undefined, 'the label hunter-label is too long')]))).not.toContain('hunter-label');
  });

  it('is left out where something is wrong already', async () => {
    const loaded = await read({ 'image.yml': `${DECLARED}${HEAD}${DISK.replace('2GiB', '1MiB')}` });
    expect(loaded.problems.map(({ code }) => code)).toEqual(['ICT_TEMPLATE_DISK']);
    expect(locateReports(loaded, [report(at(loaded, 'disk.size'))])).toEqual([]);
    expect(locateReports(loaded, [report(at(loaded, 'disk.partitions[0].end'))])).toHaveLength(1);
  });

  it('is left out when it may only follow from what is not valid', async () => {
    const loaded = await read({ 'image.yml': `${DECLARED}${HEAD}${DISK}systemConfig:\n  name: x\n  bootloder: { provider: grub }\n` });
    expect(loaded.problems.map(({ code }) => code)).toEqual(['ICT_DOCUMENT_UNKNOWN_KEY']);
    expect(locateReports(loaded, [report(at(loaded, 'systemConfig'))])).toEqual([]);
    expect(locateReports(loaded, [report()])).toEqual([]);
    expect(locateReports(loaded, [report(at(loaded, 'disk.partitions[0].fsType'))])).toHaveLength(1);
  });
});

describe('the draft of a template with mistakes', () => {
  it('is there, while its specification is not', async () => {
    const { draft, spec } = await read({ 'image.yml': `${DECLARED}${HEAD}${DISK.replace('2GiB', '1MiB')}` });
    expect([spec, draft?.disk.partitions.length]).toEqual([undefined, 2]);
  });

  it("is no one's to see when what it says to a plugin is not valid", async () => {
    const directory = await workspace({ 'image.yml': `${HEAD}${DISK}plugins: { '@acme/toy': {} }\n` });
    const { draft, problems } = await loadTemplate(path.join(directory, 'image.yml'), {
      distribution: () => definition(),
      sections: new Map(),
    });
    expect([draft, problems.length]).toEqual([undefined, 1]);
  });
});
