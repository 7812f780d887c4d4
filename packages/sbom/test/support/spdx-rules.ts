import { violations } from './json-schema.js';

const agent = '^(?:(?:Person|Organization): [^()]+(?: \\([^()]*\\))?|NOASSERTION)$';
const elementId = { type: 'string', pattern: '^SPDXRef-[A-Za-z0-9.-]+$' };
const licenceInfo = {
  type: 'string',
  pattern: '^(?:NOASSERTION|NONE|[A-Za-z0-9.+-]+|[A-Za-z0-9.+() -]+ (?:AND|OR|WITH) [A-Za-z0-9.+() -]+)$',
};
const text = { type: 'string', minLength: 1 };
const checksum = (algorithm: string, digits: number) => ({
  type: 'object',
  additionalProperties: false,
  required: ['algorithm', 'checksumValue'],
  properties: { algorithm: { const: algorithm }, checksumValue: { type: 'string', pattern: `^[0-9a-f]{${digits}}$` } },
});

/**
 * The members that SPDX 2.3 defines for documents, packages, relationships and extracted licences, with their required members, value
 * lists and formats, written down from the specification (clauses 6, 7, 10 and 11) as far as documents without files use them.
 * Nothing else is allowed, which is stricter than the specification and than its JSON schema, which knows no formats.
 */
const SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['spdxVersion', 'dataLicense', 'SPDXID', 'name', 'documentNamespace', 'creationInfo', 'packages', 'relationships'],
  properties: {
    spdxVersion: { const: 'SPDX-2.3' },
    dataLicense: { const: 'CC0-1.0' },
    SPDXID: { const: 'SPDXRef-DOCUMENT' },
    name: text,
    documentNamespace: { type: 'string', pattern: '^[a-z][a-z0-9+.-]*:[^#\\s]+$' },
    creationInfo: {
      type: 'object',
      additionalProperties: false,
      required: ['created', 'creators'],
      properties: {
        created: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$' },
        creators: { type: 'array', minItems: 1, items: { type: 'string', pattern: '^(?:Tool: \\S+-\\S+|(?:Person|Organization): .+)$' } },
      },
    },
    packages: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['SPDXID', 'name', 'downloadLocation', 'filesAnalyzed'],
        properties: {
          SPDXID: elementId,
          name: text,
          versionInfo: text,
          packageFileName: text,
          supplier: { type: 'string', pattern: agent },
          downloadLocation: { type: 'string', pattern: '^(?:NOASSERTION|NONE|[a-z][a-z0-9+.-]*://\\S+)$' },
          filesAnalyzed: { const: false },
          checksums: {
            type: 'array',
            minItems: 1,
            items: { oneOf: [checksum('SHA256', 64), checksum('SHA384', 96), checksum('SHA512', 128)] },
          },
          homepage: { type: 'string', pattern: '^(?:NOASSERTION|NONE|[a-z][a-z0-9+.-]*:\\S+)$' },
          sourceInfo: text,
          licenseConcluded: licenceInfo,
          licenseDeclared: licenceInfo,
          copyrightText: text,
          summary: text,
          description: text,
          externalRefs: {
            type: 'array',
            minItems: 1,
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['referenceCategory', 'referenceType', 'referenceLocator'],
              properties: {
                referenceCategory: { enum: ['SECURITY', 'PACKAGE-MANAGER', 'PERSISTENT-ID', 'OTHER'] },
                referenceType: { const: 'purl' },
                referenceLocator: { type: 'string', pattern: '^pkg:\\S+$' },
              },
            },
          },
          // Those that all editions of the schema write alike: 2.3 has OPERATING_SYSTEM, 2.3.1 OPERATING-SYSTEM.
          primaryPackagePurpose: {
            enum: [
              'APPLICATION',
              'FRAMEWORK',
              'LIBRARY',
              'CONTAINER',
              'DEVICE',
              'FIRMWARE',
              'SOURCE',
              'ARCHIVE',
              'FILE',
              'INSTALL',
              'OTHER',
            ],
          },
        },
      },
    },
    hasExtractedLicensingInfos: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['licenseId', 'extractedText'],
        properties: { licenseId: { type: 'string', pattern: '^LicenseRef-[A-Za-z0-9.-]+$' }, extractedText: text, name: text },
      },
    },
    relationships: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['spdxElementId', 'relationshipType', 'relatedSpdxElement'],
        properties: {
          spdxElementId: elementId,
          relationshipType: { enum: ['DESCRIBES', 'CONTAINS', 'DEPENDS_ON', 'GENERATED_FROM'] },
          relatedSpdxElement: elementId,
        },
      },
    },
  },
};

export interface SpdxDocument {
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string };
  readonly packages: readonly {
    readonly SPDXID: string;
    readonly name: string;
    readonly licenseDeclared: string;
    readonly [member: string]: unknown;
  }[];
  readonly hasExtractedLicensingInfos?: readonly { readonly licenseId: string; readonly extractedText: string }[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relationshipType: string;
    readonly relatedSpdxElement: string;
  }[];
}

/** Everything in which a document breaks SPDX 2.3: shape, identifiers that are used twice or lead nowhere, unexplained licences. */
export function spdxViolations(value: unknown): readonly string[] {
  const found = [...violations(SCHEMA, value)];
  if (found.length > 0) return found;
  const document = value as SpdxDocument;
  const ids = ['SPDXRef-DOCUMENT', ...document.packages.map((pkg) => pkg.SPDXID)];
  found.push(...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} is used twice`));
  for (const { spdxElementId, relatedSpdxElement } of document.relationships) {
    found.push(...[spdxElementId, relatedSpdxElement].filter((id) => !ids.includes(id)).map((id) => `${id} leads nowhere`));
  }
  if (!document.relationships.some((relationship) => relationship.relationshipType === 'DESCRIBES'))
    found.push('the document describes nothing');
  const explained = (document.hasExtractedLicensingInfos ?? []).map((licence) => licence.licenseId);
  const used = document.packages.flatMap((pkg) => pkg.licenseDeclared.match(/LicenseRef-[A-Za-z0-9.-]+/gu) ?? []);
  found.push(...used.filter((id) => !explained.includes(id)).map((id) => `${id} is not explained`));
  found.push(
    ...explained
      .filter((id, index) => explained.indexOf(id) !== index || !used.includes(id))
      .map((id) => `${id} is explained twice or for nothing`),
  );
  return found;
}
