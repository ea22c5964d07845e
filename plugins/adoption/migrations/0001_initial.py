from tortoise import migrations
from tortoise.migrations import operations as ops
from core.agreement import AgreementState
from core.ids import new_id
from plugins.adoption.models import AdoptionMode, AssetKind, AssetState, ClaimState, InspectionResult
from tortoise.fields.base import OnDelete
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('core', '0001_initial')]

    initial = True

    operations = [
        ops.CreateModel(
            name='Asset',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('custodian', fields.ForeignKeyField('core.Actor', source_field='custodian_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('name', fields.CharField(max_length=200)),
                ('kind', fields.CharEnumField(description='AssetKind', enum_type=AssetKind, max_length=40)),
                ('duties', fields.TextField(unique=False)),
                ('state', fields.CharEnumField(description='AssetState', enum_type=AssetState, max_length=40)),
            ],
            options={'table': 'adoption_asset', 'app': 'adoption', 'pk_attr': 'id'},
            bases=['Logged'],
        ),
        ops.CreateModel(
            name='Claim',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('asset', fields.ForeignKeyField('adoption.Asset', source_field='asset_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('claimant', fields.ForeignKeyField('core.Actor', source_field='claimant_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('mode', fields.CharEnumField(description='AdoptionMode', enum_type=AdoptionMode, max_length=40)),
                ('statement', fields.TextField(null=True, unique=False)),
                ('state', fields.CharEnumField(description='ClaimState', enum_type=ClaimState, max_length=40)),
                ('submitted_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('decided_by_id', fields.UUIDField(null=True)),
            ],
            options={'table': 'adoption_claim', 'app': 'adoption', 'pk_attr': 'id'},
            bases=['Logged'],
        ),
        ops.CreateModel(
            name='Agreement',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('state', fields.CharEnumField(description='AgreementState', enum_type=AgreementState, max_length=40)),
                ('starts_on', fields.DateField()),
                ('ends_on', fields.DateField()),
                ('settings_version', fields.BigIntField(default=0)),
                ('end_reason', fields.CharField(null=True, max_length=40)),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('asset', fields.ForeignKeyField('adoption.Asset', source_field='asset_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('claim', fields.ForeignKeyField('adoption.Claim', source_field='claim_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('adopter', fields.ForeignKeyField('core.Actor', source_field='adopter_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('custodian', fields.ForeignKeyField('core.Actor', source_field='custodian_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('mode', fields.CharEnumField(description='AdoptionMode', enum_type=AdoptionMode, max_length=40)),
                ('duties', fields.TextField(unique=False)),
            ],
            options={'table': 'adoption_agreement', 'app': 'adoption', 'pk_attr': 'id'},
            bases=['Agreement'],
        ),
        ops.CreateModel(
            name='Inspection',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('version', fields.IntField(default=1)),
                ('event_id', fields.UUIDField()),
                ('area', fields.ForeignKeyField('core.Area', source_field='area_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('agreement', fields.ForeignKeyField('adoption.Agreement', source_field='agreement_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('inspector', fields.ForeignKeyField('core.Actor', source_field='inspector_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('recheck_of', fields.ForeignKeyField('adoption.Inspection', source_field='recheck_of_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('score', fields.IntField()),
                ('result', fields.CharEnumField(description='InspectionResult', enum_type=InspectionResult, max_length=40)),
                ('note', fields.TextField(null=True, unique=False)),
                ('inspected_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('rectify_by', fields.DateField(null=True)),
            ],
            options={'table': 'adoption_inspection', 'app': 'adoption', 'pk_attr': 'id'},
            bases=['Logged'],
        ),
        ops.CreateModel(
            name='Signature',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('party_id', fields.UUIDField()),
                ('signed_by_id', fields.UUIDField(null=True)),
                ('signed_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('agreement', fields.ForeignKeyField('adoption.Agreement', source_field='agreement_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
            ],
            options={'table': 'adoption_signature', 'app': 'adoption', 'pk_attr': 'id'},
            bases=['Signature'],
        ),
    ]
