import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["**/dist/**", "**/node_modules/**", ".demo/**"] },
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A promise that nobody awaits is an error that nobody sees.
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/require-await": "off",
    },
  },
  {
    files: ["**/*.test.ts", "**/*.conformance.ts", "bench/**", "**/testing/**"],
    rules: {
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      // Doubles are plain objects of closures; taking one apart loses no `this`.
      "@typescript-eslint/unbound-method": "off",
      // vitest takes a bare pattern among expected values for equal to anything: such an assertion can't fail.
      "no-restricted-syntax": [
        "error",
        {
          selector:
            "CallExpression[callee.property.name=/^(toMatchObject|toEqual|toStrictEqual|objectContaining|arrayContaining|toContainEqual)$/] :matches(Property, ArrayExpression) > Literal[regex]:not(CallExpression[callee.property.name='stringMatching'] > Literal)",
          message: "Use expect.stringMatching(/…/): a bare pattern equals anything.",
        },
      ],
    },
  },
);
