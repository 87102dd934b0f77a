import { suite } from './support/suite.ts'

suite('oidc')
