import eslint from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Libraries that one package wraps; nobody else imports them. */
const wrapped = ['undici', 'piscina', 'openpgp', 'ssri', 'ajv', 'xz-decompress', 'tar-stream'];
const except = (...allowed) => wrapped.filter((name) => !allowed.includes(name));

/** Imports point down only; `docs/architecture.md` has the table. */
export const depConstraints = [
  { sourceTag: 'layer:contract', onlyDependOnLibsWithTags: [], bannedExternalImports: wrapped },
  { sourceTag: 'layer:leaf', onlyDependOnLibsWithTags: ['layer:leaf', 'layer:contract'], bannedExternalImports: except('ssri', 'ajv', 'xz-decompress', 'tar-stream') },
  { sourceTag: 'layer:service', onlyDependOnLibsWithTags: ['layer:leaf', 'layer:contract'], bannedExternalImports: except('undici', 'piscina', 'openpgp') },
  { sourceTag: 'layer:provider', onlyDependOnLibsWithTags: ['layer:leaf', 'layer:contract'], bannedExternalImports: wrapped },
  { sourceTag: 'layer:format', onlyDependOnLibsWithTags: ['layer:leaf', 'layer:contract'], bannedExternalImports: wrapped },
  { sourceTag: 'layer:testkit', onlyDependOnLibsWithTags: ['layer:leaf', 'layer:contract'], bannedExternalImports: wrapped },
  { sourceTag: 'layer:core', onlyDependOnLibsWithTags: ['layer:service', 'layer:leaf', 'layer:contract'], bannedExternalImports: wrapped },
  {
    sourceTag: 'layer:app',
    onlyDependOnLibsWithTags: ['layer:core', 'layer:provider', 'layer:format', 'layer:service', 'layer:leaf', 'layer:contract'],
    bannedExternalImports: wrapped,
  },
  { sourceTag: 'layer:dev', onlyDependOnLibsWithTags: ['*'] },
];

/** Tests are never published: they may also use conformance suites, generated archives and the real services. */
const testConstraints = depConstraints.map(({ sourceTag, onlyDependOnLibsWithTags }) => ({
  sourceTag,
  onlyDependOnLibsWithTags: [...onlyDependOnLibsWithTags, 'layer:testkit', 'layer:dev', 'layer:service'],
}));

const boundaries = (constraints) => ['error', { enforceBuildableLibDependency: true, allow: [], depConstraints: constraints }];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/bundle/**', '**/node_modules/**', '**/.e2e/**', '**/test/fixtures/**', '**/*.d.ts'] },
  eslint.configs.recommended,
  ...tseslint.configs.recommended,
  {
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(depConstraints),
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
    },
  },
  { files: ['**/plugin.ts', '**/*.config.mjs', '**/global-setup.ts'], rules: { 'no-restricted-exports': 'off' } },
  { files: ['**/test/**'], rules: { '@nx/enforce-module-boundaries': boundaries(testConstraints) } },
  { files: ['**/*.mjs', '**/bin/*.js'], languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } } },
);
