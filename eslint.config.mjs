import eslint from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Libraries that one package wraps; nobody else imports them. */
const wrapped = ['undici', 'piscina', 'openpgp', 'ssri', 'ajv', 'xz-decompress', 'tar-stream'];
const except = (...allowed) => wrapped.filter((name) => !allowed.includes(name));

/** Imports point down only; `docs/architecture.md` has the table. */
export const depConstraints = [
  { sourceTag: 'layer:contract', onlyDependOnLibsWithTags: [], bannedExternalImports: wrapped },
  {
    sourceTag: 'layer:leaf',
    onlyDependOnLibsWithTags: ['layer:leaf', 'layer:contract'],
    bannedExternalImports: except('ssri', 'ajv', 'xz-decompress', 'tar-stream'),
  },
  {
    sourceTag: 'layer:service',
    onlyDependOnLibsWithTags: ['layer:leaf', 'layer:contract'],
    bannedExternalImports: except('undici', 'piscina', 'openpgp'),
  },
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

const UNCHECKED = 'Resolve through checked-resolution.ts, which shows every answer to an independent checker.';

/** Tests of providers resolve in one way. */
const checkedAnswers = {
  '@typescript-eslint/no-restricted-imports': [
    'error',
    { patterns: [{ regex: '/src/resolve/resolver?\\.js$', message: UNCHECKED, allowTypeImports: true }] },
  ],
  'no-restricted-syntax': [
    'error',
    { selector: "CallExpression[callee.property.name='resolve'] Identifier[name='resolver']", message: UNCHECKED },
  ],
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/bundle/**', '**/node_modules/**', '**/.e2e/**', '**/test/fixtures/**', '**/src/compiled/**', '**/*.d.ts'] },
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
  { files: ['providers/*/test/**'], ignores: ['**/checked-resolution.ts'], rules: checkedAnswers },
  // AssemblyScript: numbers may have 64 bits there, `==` is what `===` is here, imports of types are imports, and what sources share is found by its place.
  {
    files: ['*/*/assembly/**'],
    rules: {
      eqeqeq: 'off',
      'no-loss-of-precision': 'off',
      '@typescript-eslint/consistent-type-imports': 'off',
      '@nx/enforce-module-boundaries': 'off',
    },
  },
  { files: ['**/*.mjs', '**/bin/*.js'], languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } } },
);
