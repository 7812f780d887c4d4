import { digestOf } from '@ict/integrity';
import { spdxSchemaCheck } from '@ict/fixtures';
import type { BillInput, ContentAlgorithm } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { createSpdxExporter } from '../src/spdx.js';
import { bill, rpmBill } from './support/bill.js';
import { spdxViolations, type SpdxDocument } from './support/spdx-rules.js';

type Members = Record<string, unknown>;

const schemaViolations = spdxSchemaCheck();
const documentOf = (input: BillInput): SpdxDocument =>
  JSON.parse(new TextDecoder().decode(createSpdxExporter().export(input))) as SpdxDocument;

describe('the JSON schema of SPDX 2.3', () => {
  it.each([
    ['of deb packages', bill()],
    ['of rpm packages with every field', rpmBill()],
    ['of an image without packages and files', bill({ installed: [], packages: [], repositories: [], artifacts: [] })],
    ['of packages that only commands installed', bill({ packages: [] })],
  ])('accepts a document %s', (_, input) => {
    const document = documentOf(input);
    expect(schemaViolations(document)).toEqual([]);
    expect(spdxViolations(document)).toEqual([]);
  });

  it.each<[ContentAlgorithm, string, number]>([
    ['sha256', 'SHA256', 64],
    ['sha384', 'SHA384', 96],
    ['sha512', 'SHA512', 128],
  ])('accepts checksums of %s as %s', (kind, algorithm, digits) => {
    const document = documentOf(rpmBill(digestOf('a package', kind)));
    expect(schemaViolations(document)).toEqual([]);
    expect(spdxViolations(document)).toEqual([]);
    const checksums = document.packages.slice(1, 3).map((pkg) => pkg['checksums']);
    const checksumValue = digestOf('a package', kind).slice(kind.length + 1);
    expect(checksumValue).toHaveLength(digits);
    expect(checksums).toEqual([[{ algorithm, checksumValue }], [{ algorithm, checksumValue }]]);
  });

  it.each<[string, (document: Members, pkg: Members) => void]>([
    ['without its version', (document) => delete document['spdxVersion']],
    ['without its licence', (document) => delete document['dataLicense']],
    ['without a creator', (document) => ((document['creationInfo'] as Members)['creators'] = [])],
    ['of a creator who is no text', (document) => ((document['creationInfo'] as Members)['creators'] = [1])],
    ['with a member that SPDX does not know', (document) => (document['licence'] = 'MIT')],
    ['with a package without its place', (_, pkg) => delete pkg['downloadLocation']],
    ['with a package that says in a word whether its files were read', (_, pkg) => (pkg['filesAnalyzed'] = 'false')],
    ['with an unknown checksum', (_, pkg) => (pkg['checksums'] = [{ algorithm: 'sha256', checksumValue: 'ab' }])],
    ['with a checksum without its value', (_, pkg) => (pkg['checksums'] = [{ algorithm: 'SHA256' }])],
    ['with an unknown purpose', (_, pkg) => (pkg['primaryPackagePurpose'] = 'PACKAGE')],
    [
      'with a category as SPDX 2.2 wrote it',
      (_, pkg) =>
        ((pkg['externalRefs'] as Members[])[0] = { ...(pkg['externalRefs'] as Members[])[0], referenceCategory: 'PACKAGE_MANAGER' }),
    ],
    ['with an unknown relationship', (document) => ((document['relationships'] as Members[])[0] = relationship('NEEDS'))],
    ['with an unexplained licence', (document) => (document['hasExtractedLicensingInfos'] = [{ licenseId: 'LicenseRef-DEC' }])],
  ])('refuses a document %s', (_, spoil) => {
    const document = documentOf(bill()) as unknown as Members;
    spoil(document, (document['packages'] as Members[])[3] as Members);
    expect(schemaViolations(document)).toHaveLength(1);
  });
});

function relationship(relationshipType: string): Members {
  return { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType, relatedSpdxElement: 'SPDXRef-Image-minimal' };
}
