"""Where Kafka is and how to log in there; a part of a service's settings."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class KafkaSettings(BaseModel):
    """One cluster and one login."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap: str = Field(min_length=1)
    """Brokers to ask first, host:port, with commas between."""
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_ca_file: Path | None = None
    """Whose signatures on the brokers' certificates count; None: those of the system."""

    @model_validator(mode="after")
    def _has_a_login(self) -> Self:
        incomplete = self.sasl_username is None or self.sasl_password is None
        if self.security_protocol.startswith("SASL_") and incomplete:
            raise ValueError("with SASL, a user name and a password are needed")
        return self

    def connection(self) -> dict[str, Any]:
        """Arguments that every client of aiokafka takes.

        Raises:
            OSError: when the file of certificates cannot be read.

        """
        password = self.sasl_password
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": password.get_secret_value() if password else None,
            "ssl_context": self._ssl_context(),
        }

    def _ssl_context(self) -> ssl.SSLContext | None:
        if not self.security_protocol.endswith("SSL"):
            return None
        return ssl.create_default_context(cafile=self.ssl_ca_file)


class BusSettings(BaseSettings):
    """The bus of a service: Kafka where `kafka_bootstrap` is set, else within the process."""

    model_config = SettingsConfigDict(
        env_prefix="ATMR_", env_file=".env", extra="ignore", env_ignore_empty=True
    )

    kafka_bootstrap: str | None = Field(
        None, description="Kafka's brokers, host:port,...; without, events stay in the process."
    )
    kafka_security_protocol: SecurityProtocol = Field(
        "PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        "SCRAM-SHA-512", description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."
    )
    kafka_username: str | None = Field(None, description="User name for SASL.")
    kafka_password: SecretStr | None = Field(
        None, validate_default=True, description="Password for SASL."
    )
    kafka_ca_file: Path | None = Field(
        None, description="Certificate authorities of the brokers (PEM); else the system's."
    )

    @field_validator("kafka_password")
    @classmethod
    def _logs_in(cls, password: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        """Here, not after all fields, so that the error names a variable."""
        sasl = str(others.data.get("kafka_security_protocol")).startswith("SASL_")
        if sasl and (password is None or others.data.get("kafka_username") is None):
            raise ValueError("with SASL, a user name and a password are needed")
        return password

    @property
    def kafka(self) -> KafkaSettings | None:
        """None where events stay in the process."""
        if self.kafka_bootstrap is None:
            return None
        return KafkaSettings(
            bootstrap=self.kafka_bootstrap,
            security_protocol=self.kafka_security_protocol,
            sasl_mechanism=self.kafka_sasl_mechanism,
            sasl_username=self.kafka_username,
            sasl_password=self.kafka_password,
            ssl_ca_file=self.kafka_ca_file,
        )
