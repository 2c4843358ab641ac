"""Verifies a DSSE envelope with securesystemslib and reads its statement with in-toto-attestation.

usage: verify_envelope.py ENVELOPE KEY_PEM KEYID
Prints what was understood as JSON; exit 1 when the signature or a document is not accepted.
"""

import json
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

envelope_file, key_file, keyid = sys.argv[1:]
with open(envelope_file, encoding="utf-8") as file:
    envelope = Envelope.from_dict(json.load(file))
with open(key_file, "rb") as file:
    key = SSlibKey.from_crypto(load_pem_public_key(file.read()), keyid=keyid)

try:
    signers = envelope.verify([key], 1)
except VerificationError as error:
    print(error, file=sys.stderr)
    sys.exit(1)

statement = json_format.Parse(envelope.payload, statement_pb2.Statement())
Statement.copy_from_pb(statement).validate()
# Refuses fields that SLSA provenance v1 does not have.
predicate = json_format.ParseDict(
    json_format.MessageToDict(statement.predicate), provenance_pb2.Provenance()
)

print(
    json.dumps(
        {
            "signers": sorted(signers),
            "payloadType": envelope.payload_type,
            "predicateType": statement.predicate_type,
            "subject": [dict(subject.digest) for subject in statement.subject],
            "builder": predicate.run_details.builder.id,
            "dependencies": [
                dependency.uri
                for dependency in predicate.build_definition.resolved_dependencies
            ],
        }
    )
)
