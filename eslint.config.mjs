import tseslint from 'typescript-eslint';

const restrictedProperties = [
  { object: 'process', property: 'env', message: 'Only src/platform/config reads the environment.' },
  { object: 'vi', property: 'mock', message: 'No module mocking: write a driver that passes the suite.' },
  { object: 'vi', property: 'spyOn', message: 'No module mocking: write a driver that passes the suite.' },
  { object: 'Date', property: 'now', message: 'Take a Clock.' },
  { object: 'Math', property: 'random', message: 'Take a Random.' },
];

export default tseslint.config(
  {
    ignores: [
      'node_modules/**',
      '.millrace/**',
      '.kafka/**',
      '**/*.gen.ts',
      'runtime/**',
      'examples/**',
      'bench/floor/**',
      'bin/**',
      'test/fixtures/**',
      '*.mjs',
      '*.cjs',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/return-await': ['error', 'always'],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-console': 'error',
      'no-restricted-properties': ['error', ...restrictedProperties],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportAllDeclaration', message: 'Import the defining file instead of re-exporting.' },
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take a Clock.' },
      ],
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
      'max-params': ['error', 4],
      complexity: ['error', 12],
      'max-depth': ['error', 3],
    },
  },
  {
    files: ['src/platform/clock.ts', 'src/platform/random.ts'],
    rules: { 'no-restricted-properties': 'off', 'no-restricted-syntax': 'off' },
  },
  { files: ['src/platform/config/**/*.ts', 'src/cli/environment.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    // Test suites are one long `describe`; they run on the real clock and print what they measured.
    files: ['**/*.test.ts', 'test/**/*.ts', 'bench/**/*.ts', 'tools/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 600 }],
      'no-console': 'off',
      'no-restricted-properties': ['error', ...restrictedProperties.filter((each) => each.object === 'vi')],
      'no-restricted-syntax': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['vitest.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
