import { suite } from './support/suite.ts'

suite('token_api')
